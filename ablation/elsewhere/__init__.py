"""Results that were made elsewhere: a table's runs, the designs that their arms allow, and what they found."""
