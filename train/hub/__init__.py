"""What is published on the Hugging Face Hub: the contents of a model and of a data set, and their cards."""
