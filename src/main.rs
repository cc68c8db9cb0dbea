fn main() {
    milepost::engine::run_if_child();
}
