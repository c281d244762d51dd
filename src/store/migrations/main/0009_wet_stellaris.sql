ALTER TABLE `functions` ADD `retries` text;--> statement-breakpoint
ALTER TABLE `functions` ADD `on_success` text;--> statement-breakpoint
ALTER TABLE `functions` ADD `on_failure` text;