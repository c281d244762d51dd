CREATE TABLE `whisk_entities` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`function_id` text,
	`fields` text NOT NULL,
	`writes` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`function_id`) REFERENCES `functions`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `whisk_entities_name` ON `whisk_entities` (`project_id`,`kind`,`name`);--> statement-breakpoint
CREATE INDEX `whisk_entities_function` ON `whisk_entities` (`function_id`);