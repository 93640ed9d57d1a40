"""The parts of the report. Each says what is to be played, and tells what came of it."""
