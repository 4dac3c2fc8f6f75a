"""What a diagnosis and a view look like as text and as JSON."""
