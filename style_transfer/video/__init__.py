"""Videos stylized without flicker."""
