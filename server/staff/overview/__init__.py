"""How the drop is, as far as anybody may know: counts, days, what needs somebody."""
