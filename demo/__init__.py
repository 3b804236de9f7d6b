"""Everything Counterfoil needs around it on one machine, for trying it out: `make run`."""
