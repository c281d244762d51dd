ALTER TABLE `executions` ADD `trigger_id` text;--> statement-breakpoint
CREATE INDEX `executions_trigger` ON `executions` (`trigger_id`,`created_at`) WHERE trigger_id is not null;--> statement-breakpoint
UPDATE `executions` SET `trigger_id` = substr(`description`, 16) WHERE `trigger` = 'job' AND `description` LIKE 'Created by Job %';--> statement-breakpoint
UPDATE `executions` SET `trigger_id` = substr(`description`, 20) WHERE `trigger` = 'webhook' AND `description` LIKE 'Created by Webhook %';--> statement-breakpoint
UPDATE `executions` SET `trigger_id` = substr(`description`, 19) WHERE `trigger` = 'event' AND `description` LIKE 'Created by Source %';
