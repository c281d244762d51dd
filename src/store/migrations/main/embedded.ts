// Made by `npm run db:generate` from the SQL files beside it.
export const mainMigrations = [
  {
    tag: '0000_first',
    when: 1795454295799,
    sql: `CREATE TABLE \`aliases\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`name\` text NOT NULL,
	\`description\` text,
	\`function_id\` text NOT NULL,
	\`function_version\` integer NOT NULL,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX \`aliases_name\` ON \`aliases\` (\`project_id\`,\`name\`);--> statement-breakpoint
CREATE UNIQUE INDEX \`aliases_target\` ON \`aliases\` (\`project_id\`,\`function_id\`,\`function_version\`);--> statement-breakpoint
CREATE INDEX \`aliases_function\` ON \`aliases\` (\`function_id\`);--> statement-breakpoint
CREATE TABLE \`function_versions\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`function_id\` text NOT NULL,
	\`project_id\` text NOT NULL,
	\`number\` integer NOT NULL,
	\`description\` text,
	\`package_hash\` text NOT NULL,
	\`md5sum\` text NOT NULL,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer,
	FOREIGN KEY (\`function_id\`) REFERENCES \`functions\`(\`id\`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX \`function_versions_number\` ON \`function_versions\` (\`function_id\`,\`number\`);--> statement-breakpoint
CREATE TABLE \`functions\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`name\` text,
	\`description\` text,
	\`runtime_id\` text,
	\`code\` text NOT NULL,
	\`package_hash\` text,
	\`entry\` text,
	\`cpu_millicpu\` integer NOT NULL,
	\`memory_bytes\` integer NOT NULL,
	\`timeout_seconds\` integer NOT NULL,
	\`latest_version\` integer NOT NULL,
	\`trust_id\` text,
	\`signature\` text,
	\`env\` text NOT NULL,
	\`concurrency\` integer NOT NULL,
	\`min_workers\` integer NOT NULL,
	\`max_workers\` integer,
	\`idle_timeout_seconds\` integer,
	\`network\` text NOT NULL,
	\`cpu_max_millicpu\` integer,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX \`functions_name\` ON \`functions\` (\`project_id\`,\`name\`) WHERE name is not null;--> statement-breakpoint
CREATE INDEX \`functions_runtime\` ON \`functions\` (\`runtime_id\`);--> statement-breakpoint
CREATE TABLE \`jobs\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`name\` text,
	\`function_id\` text,
	\`function_version\` integer,
	\`function_alias\` text,
	\`function_input\` text,
	\`status\` text NOT NULL,
	\`pattern\` text,
	\`timezone\` text NOT NULL,
	\`count\` integer,
	\`overlap\` text NOT NULL,
	\`missed\` text NOT NULL,
	\`missed_limit\` integer NOT NULL,
	\`first_execution_time\` integer,
	\`next_execution_time\` integer,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer
);
--> statement-breakpoint
CREATE INDEX \`jobs_function\` ON \`jobs\` (\`function_id\`);--> statement-breakpoint
CREATE INDEX \`jobs_alias\` ON \`jobs\` (\`project_id\`,\`function_alias\`);--> statement-breakpoint
CREATE INDEX \`jobs_running\` ON \`jobs\` (\`created_at\`) WHERE status = 'running';--> statement-breakpoint
CREATE TABLE \`runtimes\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`name\` text,
	\`description\` text,
	\`image\` text NOT NULL,
	\`is_public\` integer NOT NULL,
	\`trusted\` integer NOT NULL,
	\`status\` text NOT NULL,
	\`signature\` text NOT NULL,
	\`min_memory_bytes\` integer NOT NULL,
	\`languages\` text NOT NULL,
	\`builtin\` integer NOT NULL,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer
);
--> statement-breakpoint
CREATE TABLE \`tokens\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`name\` text NOT NULL,
	\`hash\` text NOT NULL,
	\`project_id\` text NOT NULL,
	\`roles\` text NOT NULL,
	\`created_at\` integer NOT NULL,
	\`expires_at\` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX \`tokens_hash_unique\` ON \`tokens\` (\`hash\`);--> statement-breakpoint
CREATE TABLE \`webhooks\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`function_id\` text,
	\`function_version\` integer,
	\`function_alias\` text,
	\`description\` text,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer
);
--> statement-breakpoint
CREATE INDEX \`webhooks_function\` ON \`webhooks\` (\`function_id\`);--> statement-breakpoint
CREATE INDEX \`webhooks_alias\` ON \`webhooks\` (\`project_id\`,\`function_alias\`);`,
  },
  {
    tag: '0001_object_etag',
    when: 1795457246427,
    sql: `ALTER TABLE \`functions\` ADD \`object_etag\` text;`,
  },
  {
    tag: '0002_sources',
    when: 1795458712791,
    sql: `CREATE TABLE \`source_objects\` (
	\`source_id\` text NOT NULL,
	\`name\` text NOT NULL,
	\`etag\` text NOT NULL,
	\`bytes\` integer NOT NULL,
	\`last_modified\` text NOT NULL,
	PRIMARY KEY(\`source_id\`, \`name\`),
	FOREIGN KEY (\`source_id\`) REFERENCES \`sources\`(\`id\`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE \`sources\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`name\` text,
	\`type\` text NOT NULL,
	\`container\` text NOT NULL,
	\`prefix\` text,
	\`events\` text NOT NULL,
	\`function_id\` text,
	\`function_version\` integer,
	\`function_alias\` text,
	\`interval_seconds\` integer NOT NULL,
	\`status\` text NOT NULL,
	\`since_ms\` integer NOT NULL,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer
);
--> statement-breakpoint
CREATE INDEX \`sources_function\` ON \`sources\` (\`function_id\`);--> statement-breakpoint
CREATE INDEX \`sources_alias\` ON \`sources\` (\`project_id\`,\`function_alias\`);`,
  },
  {
    tag: '0003_public_functions',
    when: 1796000098208,
    sql: `ALTER TABLE \`functions\` ADD \`access\` text DEFAULT 'token' NOT NULL;--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`cors\` text;--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`hosts\` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX \`functions_public_name\` ON \`functions\` (\`name\`) WHERE access = 'public';`,
  },
  {
    tag: '0004_webhook_sync',
    when: 1796003886929,
    sql: `ALTER TABLE \`webhooks\` ADD \`sync\` integer DEFAULT false NOT NULL;`,
  },
  {
    tag: '0005_slow_terrax',
    when: 1796004987933,
    sql: `ALTER TABLE \`functions\` ADD \`writable\` text DEFAULT '[]' NOT NULL;`,
  },
  {
    tag: '0006_mean_the_hand',
    when: 1796009981340,
    sql: `CREATE TABLE \`secret_versions\` (
	\`secret_id\` text NOT NULL,
	\`number\` integer NOT NULL,
	\`sealed\` blob NOT NULL,
	\`key_id\` text NOT NULL,
	\`created_at\` integer NOT NULL,
	PRIMARY KEY(\`secret_id\`, \`number\`),
	FOREIGN KEY (\`secret_id\`) REFERENCES \`secrets\`(\`id\`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE \`secrets\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`name\` text NOT NULL,
	\`description\` text,
	\`latest_version\` integer NOT NULL,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX \`secrets_name\` ON \`secrets\` (\`project_id\`,\`name\`);--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`secrets\` text DEFAULT '[]' NOT NULL;`,
  },
  {
    tag: '0007_young_trish_tilby',
    when: 1796011105844,
    sql: `ALTER TABLE \`webhooks\` ADD \`signature\` text;--> statement-breakpoint
ALTER TABLE \`webhooks\` ADD \`max_rate\` real;`,
  },
  {
    tag: '0008_tmp_size',
    when: 1796012845124,
    sql: `ALTER TABLE \`functions\` ADD \`tmp_size_bytes\` integer;`,
  },
  {
    tag: '0009_wet_stellaris',
    when: 1796013125765,
    sql: `ALTER TABLE \`functions\` ADD \`retries\` text;--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`on_success\` text;--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`on_failure\` text;`,
  },
  {
    tag: '0010_third_hammerhead',
    when: 1796014287714,
    sql: `CREATE TABLE \`access_keys\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`name\` text NOT NULL,
	\`token_id\` text,
	\`project_id\` text NOT NULL,
	\`sealed_secret\` text NOT NULL,
	\`created_at\` integer NOT NULL,
	FOREIGN KEY (\`token_id\`) REFERENCES \`tokens\`(\`id\`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE \`lambda_settings\` (
	\`function_id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`settings\` text NOT NULL,
	\`updated_at\` integer NOT NULL,
	FOREIGN KEY (\`function_id\`) REFERENCES \`functions\`(\`id\`) ON UPDATE no action ON DELETE cascade
);
`,
  },
  {
    tag: '0011_thick_major_mapleleaf',
    when: 1796015163386,
    sql: `CREATE TABLE \`project_limits\` (
	\`project_id\` text PRIMARY KEY NOT NULL,
	\`limits\` text NOT NULL,
	\`updated_at\` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`max_running\` integer;--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`max_rate\` real;--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`record\` text DEFAULT 'full' NOT NULL;`,
  },
  {
    tag: '0012_access',
    when: 1796015496713,
    sql: `CREATE TABLE \`audit\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`at\` integer NOT NULL,
	\`who_kind\` text NOT NULL,
	\`who_id\` text,
	\`who_name\` text,
	\`project_id\` text NOT NULL,
	\`action\` text NOT NULL,
	\`method\` text NOT NULL,
	\`path\` text NOT NULL,
	\`subject_id\` text,
	\`subject_name\` text,
	\`status\` integer NOT NULL,
	\`address\` text
);
--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`api\` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`scopes\` text;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`function_id\` text;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`last_used_at\` integer;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`previous_hash\` text;--> statement-breakpoint
ALTER TABLE \`tokens\` ADD \`previous_until\` integer;`,
  },
  {
    tag: '0013_openwhisk',
    when: 1796030129799,
    sql: `CREATE TABLE \`whisk_entities\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`kind\` text NOT NULL,
	\`name\` text NOT NULL,
	\`function_id\` text,
	\`fields\` text NOT NULL,
	\`writes\` integer NOT NULL,
	\`created_at\` integer NOT NULL,
	\`updated_at\` integer NOT NULL,
	FOREIGN KEY (\`function_id\`) REFERENCES \`functions\`(\`id\`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX \`whisk_entities_name\` ON \`whisk_entities\` (\`project_id\`,\`kind\`,\`name\`);--> statement-breakpoint
CREATE INDEX \`whisk_entities_function\` ON \`whisk_entities\` (\`function_id\`);`,
  },
  {
    tag: '0014_chilly_warhawk',
    when: 1796033974957,
    sql: `CREATE TABLE \`builds\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`project_id\` text NOT NULL,
	\`function_id\` text,
	\`function_name\` text,
	\`runtime_name\` text,
	\`list\` text NOT NULL,
	\`status\` text NOT NULL,
	\`cached\` integer NOT NULL,
	\`size_bytes\` integer,
	\`error\` text,
	\`log\` text DEFAULT '' NOT NULL,
	\`created_at\` integer NOT NULL,
	\`ended_at\` integer
);
--> statement-breakpoint
CREATE INDEX \`builds_project\` ON \`builds\` (\`project_id\`,\`id\`);`,
  },
  {
    tag: '0015_loose_nekra',
    when: 1796040049829,
    sql: `ALTER TABLE \`builds\` ADD \`package_hash\` text;--> statement-breakpoint
ALTER TABLE \`builds\` ADD \`bundle\` integer DEFAULT false NOT NULL;`,
  },
  {
    tag: '0016_known_killraven',
    when: 1796042645739,
    sql: `ALTER TABLE \`aliases\` ADD \`weights\` text;`,
  },
  {
    tag: '0017_broken_robin_chapel',
    when: 1796043795330,
    sql: `ALTER TABLE \`functions\` ADD \`max_gb_seconds_per_day\` real;--> statement-breakpoint
ALTER TABLE \`functions\` ADD \`sandbox\` text;`,
  },
  {
    tag: '0018_nifty_kitty_pryde',
    when: 1796053111685,
    sql: `ALTER TABLE \`functions\` ADD \`placement\` text DEFAULT '{}' NOT NULL;`,
  },
]
