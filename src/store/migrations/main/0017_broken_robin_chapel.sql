ALTER TABLE `functions` ADD `max_gb_seconds_per_day` real;--> statement-breakpoint
ALTER TABLE `functions` ADD `sandbox` text;