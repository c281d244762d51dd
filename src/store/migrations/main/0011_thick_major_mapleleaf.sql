CREATE TABLE `project_limits` (
	`project_id` text PRIMARY KEY NOT NULL,
	`limits` text NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `functions` ADD `max_running` integer;--> statement-breakpoint
ALTER TABLE `functions` ADD `max_rate` real;--> statement-breakpoint
ALTER TABLE `functions` ADD `record` text DEFAULT 'full' NOT NULL;