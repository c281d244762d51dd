CREATE TABLE `source_objects` (
	`source_id` text NOT NULL,
	`name` text NOT NULL,
	`etag` text NOT NULL,
	`bytes` integer NOT NULL,
	`last_modified` text NOT NULL,
	PRIMARY KEY(`source_id`, `name`),
	FOREIGN KEY (`source_id`) REFERENCES `sources`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `sources` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text,
	`type` text NOT NULL,
	`container` text NOT NULL,
	`prefix` text,
	`events` text NOT NULL,
	`function_id` text,
	`function_version` integer,
	`function_alias` text,
	`interval_seconds` integer NOT NULL,
	`status` text NOT NULL,
	`since_ms` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer
);
--> statement-breakpoint
CREATE INDEX `sources_function` ON `sources` (`function_id`);--> statement-breakpoint
CREATE INDEX `sources_alias` ON `sources` (`project_id`,`function_alias`);