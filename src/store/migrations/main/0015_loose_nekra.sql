ALTER TABLE `builds` ADD `package_hash` text;--> statement-breakpoint
ALTER TABLE `builds` ADD `bundle` integer DEFAULT false NOT NULL;