"""The parts of tools/bench: each module measures one and yields its rows."""
