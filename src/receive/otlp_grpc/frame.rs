//! The frame round a gRPC message: a flag for compression, four bytes of length, the message.

use bytes::{Buf, Bytes};

use super::Stop;

pub(super) const PREFIX_BYTES: usize = 5;

/// The one message of a unary call, and whether it is compressed.
pub(super) fn message(mut body: Bytes, limit: usize) -> Result<(bool, Bytes), Stop> {
    if body.len() < PREFIX_BYTES {
        return Err(Stop::BadFrame("no message"));
    }
    let packed = match body.get_u8() {
        0 => false,
        1 => true,
        _ => return Err(Stop::BadFrame("compressed flag is neither 0 nor 1")),
    };
    let bytes = usize::try_from(body.get_u32()).unwrap_or(usize::MAX);
    if bytes > limit {
        return Err(Stop::BodyTooLarge { limit });
    }
    match body.len() {
        have if have < bytes => Err(Stop::BadFrame("message shorter than its length says")),
        have if have > bytes => Err(Stop::BadFrame("more than one message")),
        _ => Ok((packed, body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Framed<'a> = Result<(bool, &'a [u8]), Stop>;

    #[test]
    fn a_frame_holds_one_whole_message() {
        let cases: [(&[u8], Framed); 8] = [
            (&[0, 0, 0, 0, 0], Ok((false, b""))),
            (&[1, 0, 0, 0, 2, 7, 8], Ok((true, &[7, 8]))),
            (&[], Err(Stop::BadFrame("no message"))),
            (&[0, 0, 0, 0], Err(Stop::BadFrame("no message"))),
            (&[2, 0, 0, 0, 0], Err(Stop::BadFrame("compressed flag is neither 0 nor 1"))),
            (&[0, 0, 0, 0, 2, 7], Err(Stop::BadFrame("message shorter than its length says"))),
            (&[0, 0, 0, 0, 1, 7, 8], Err(Stop::BadFrame("more than one message"))),
            (&[0, 255, 255, 255, 255, 7], Err(Stop::BodyTooLarge { limit: 10 })),
        ];
        for (body, want) in cases {
            let want = want.map(|(packed, message)| (packed, Bytes::copy_from_slice(message)));
            assert_eq!(message(Bytes::copy_from_slice(body), 10), want, "{body:?}");
        }
    }
}
