//! What a node announces, by which protocol, to whom, and why not.
