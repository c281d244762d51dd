CREATE TABLE `builds` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`function_id` text,
	`function_name` text,
	`runtime_name` text,
	`list` text NOT NULL,
	`status` text NOT NULL,
	`cached` integer NOT NULL,
	`size_bytes` integer,
	`error` text,
	`log` text DEFAULT '' NOT NULL,
	`created_at` integer NOT NULL,
	`ended_at` integer
);
--> statement-breakpoint
CREATE INDEX `builds_project` ON `builds` (`project_id`,`id`);