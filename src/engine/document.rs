//! A YAML or JSON document with the place of every node.
