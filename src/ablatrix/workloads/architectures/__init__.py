"""Small models of many kinds with random weights, as sources that studies name: those that no configuration makes."""
