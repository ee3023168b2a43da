"""What a person does in the lab, one module each. A service takes the store, never the whole lab."""
