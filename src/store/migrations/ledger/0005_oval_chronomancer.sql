CREATE TABLE `usage` (
	`day` text NOT NULL,
	`project_id` text NOT NULL,
	`function_id` text NOT NULL,
	`calls` integer NOT NULL,
	`busy_gb_seconds` real NOT NULL,
	`idle_gb_seconds` real NOT NULL,
	`cpu_seconds` real NOT NULL,
	`bytes_in` integer NOT NULL,
	`bytes_out` integer NOT NULL,
	PRIMARY KEY(`day`, `project_id`, `function_id`)
);
