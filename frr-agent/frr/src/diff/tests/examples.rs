//! Plans line by line, for the cases whose order or effect matters.
