CREATE TABLE `secret_versions` (
	`secret_id` text NOT NULL,
	`number` integer NOT NULL,
	`sealed` blob NOT NULL,
	`key_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`secret_id`, `number`),
	FOREIGN KEY (`secret_id`) REFERENCES `secrets`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `secrets` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`latest_version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `secrets_name` ON `secrets` (`project_id`,`name`);--> statement-breakpoint
ALTER TABLE `functions` ADD `secrets` text DEFAULT '[]' NOT NULL;