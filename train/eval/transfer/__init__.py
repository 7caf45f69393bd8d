"""Fine-tuning of image encoders on downstream tasks (paper sec. 4.1): what the tasks share."""
