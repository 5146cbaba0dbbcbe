"""The federation story: three venues as processes of their own, and what they do with one another."""
