ALTER TABLE `functions` ADD `access` text DEFAULT 'token' NOT NULL;--> statement-breakpoint
ALTER TABLE `functions` ADD `cors` text;--> statement-breakpoint
ALTER TABLE `functions` ADD `hosts` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `functions_public_name` ON `functions` (`name`) WHERE access = 'public';