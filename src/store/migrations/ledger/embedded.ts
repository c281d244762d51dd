// Made by `npm run db:generate` from the SQL files beside it.
export const ledgerMigrations = [
  {
    tag: '0000_first',
    when: 1795454296908,
    sql: `CREATE TABLE \`counters\` (
	\`function_id\` text NOT NULL,
	\`function_version\` integer NOT NULL,
	\`count\` integer NOT NULL,
	\`last_at\` integer NOT NULL,
	PRIMARY KEY(\`function_id\`, \`function_version\`)
);
--> statement-breakpoint
CREATE TABLE \`executions\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`function_id\` text NOT NULL,
	\`function_version\` integer NOT NULL,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer,
	\`status\` text NOT NULL,
	\`is_sync\` integer NOT NULL,
	\`trigger\` text NOT NULL,
	\`input_kind\` text NOT NULL,
	\`is_image_run\` integer NOT NULL,
	\`attempt\` integer NOT NULL,
	\`start_kind\` text,
	\`cold_reason\` text,
	\`worker\` text,
	\`duration_ms\` real,
	\`queue_ms\` real,
	\`acquire_ms\` real,
	\`load_ms\` real,
	\`run_ms\` real,
	\`total_ms\` real,
	\`memory_peak_mb\` real,
	\`cpu_ms\` real,
	\`function_alias\` text,
	\`description\` text,
	\`error\` text,
	\`input\` text,
	\`output\` text,
	\`log\` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX \`executions_time\` ON \`executions\` (\`created_at\`);--> statement-breakpoint
CREATE INDEX \`executions_project\` ON \`executions\` (\`project_id\`,\`created_at\`);--> statement-breakpoint
CREATE INDEX \`executions_function\` ON \`executions\` (\`function_id\`,\`created_at\`);--> statement-breakpoint
CREATE INDEX \`executions_running\` ON \`executions\` (\`created_at\`) WHERE status = 'running';`,
  },
  {
    tag: '0001_resume',
    when: 1795459090135,
    sql: `ALTER TABLE \`executions\` ADD \`resume_ms\` real;`,
  },
  {
    tag: '0002_trigger_id',
    when: 1795999978190,
    sql: `ALTER TABLE \`executions\` ADD \`trigger_id\` text;--> statement-breakpoint
CREATE INDEX \`executions_trigger\` ON \`executions\` (\`trigger_id\`,\`created_at\`) WHERE trigger_id is not null;--> statement-breakpoint
UPDATE \`executions\` SET \`trigger_id\` = substr(\`description\`, 16) WHERE \`trigger\` = 'job' AND \`description\` LIKE 'Created by Job %';--> statement-breakpoint
UPDATE \`executions\` SET \`trigger_id\` = substr(\`description\`, 20) WHERE \`trigger\` = 'webhook' AND \`description\` LIKE 'Created by Webhook %';--> statement-breakpoint
UPDATE \`executions\` SET \`trigger_id\` = substr(\`description\`, 19) WHERE \`trigger\` = 'event' AND \`description\` LIKE 'Created by Source %';
`,
  },
  {
    tag: '0003_request_of_accepted',
    when: 1796009687692,
    sql: `ALTER TABLE \`executions\` ADD \`request\` text;`,
  },
  {
    tag: '0004_ancient_starbolt',
    when: 1796011841953,
    sql: `ALTER TABLE \`executions\` ADD \`terms\` text;--> statement-breakpoint
ALTER TABLE \`executions\` ADD \`run_at\` integer;--> statement-breakpoint
ALTER TABLE \`executions\` ADD \`dead_at\` integer;--> statement-breakpoint
ALTER TABLE \`executions\` ADD \`delivery\` text;--> statement-breakpoint
ALTER TABLE \`executions\` ADD \`deliver_at\` integer;--> statement-breakpoint
CREATE INDEX \`executions_dead\` ON \`executions\` (\`created_at\`) WHERE dead_at is not null;--> statement-breakpoint
CREATE INDEX \`executions_undelivered\` ON \`executions\` (\`deliver_at\`) WHERE deliver_at is not null;`,
  },
  {
    tag: '0005_oval_chronomancer',
    when: 1796031990951,
    sql: `CREATE TABLE \`usage\` (
	\`day\` text NOT NULL,
	\`project_id\` text NOT NULL,
	\`function_id\` text NOT NULL,
	\`calls\` integer NOT NULL,
	\`busy_gb_seconds\` real NOT NULL,
	\`idle_gb_seconds\` real NOT NULL,
	\`cpu_seconds\` real NOT NULL,
	\`bytes_in\` integer NOT NULL,
	\`bytes_out\` integer NOT NULL,
	PRIMARY KEY(\`day\`, \`project_id\`, \`function_id\`)
);
`,
  },
  {
    tag: '0006_lumpy_night_nurse',
    when: 1796064494715,
    sql: `ALTER TABLE \`executions\` ADD \`outputs\` text;`,
  },
]
