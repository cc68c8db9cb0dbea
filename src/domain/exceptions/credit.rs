//! Credit holds.

use super::{because, raise};
use crate::domain::Exception;
use crate::domain::slas::credit_holds;
use crate::domain::tree::Node;

pub fn credit_hold(root: &Node, found: &mut Vec<Exception>) {
    if let Some((since, None)) = credit_holds(root).last() {
        let cause = root.last("order.credit_checked").map_or_else(String::new, because);
        raise(found, "credit_hold", &root.object, format!("On credit hold{cause}"), *since, "erp", true);
    }
}
