-- Small blocks for exceptions, whose granules are small already: a page of the queue reads a row here and a row there.
ALTER TABLE exceptions MODIFY SETTING min_compress_block_size = 4096, max_compress_block_size = 16384
