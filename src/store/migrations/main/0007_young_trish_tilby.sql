ALTER TABLE `webhooks` ADD `signature` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `max_rate` real;