"""The compiled trainer's machinery: `rounds` is the place to begin, `replica` holds the state that it advances."""
