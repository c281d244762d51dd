ALTER TABLE `executions` ADD `terms` text;--> statement-breakpoint
ALTER TABLE `executions` ADD `run_at` integer;--> statement-breakpoint
ALTER TABLE `executions` ADD `dead_at` integer;--> statement-breakpoint
ALTER TABLE `executions` ADD `delivery` text;--> statement-breakpoint
ALTER TABLE `executions` ADD `deliver_at` integer;--> statement-breakpoint
CREATE INDEX `executions_dead` ON `executions` (`created_at`) WHERE dead_at is not null;--> statement-breakpoint
CREATE INDEX `executions_undelivered` ON `executions` (`deliver_at`) WHERE deliver_at is not null;