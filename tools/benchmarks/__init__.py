"""The parts of tools/bench: each module measures one and tells its rows."""
