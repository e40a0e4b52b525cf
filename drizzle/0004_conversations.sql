CREATE TABLE "message_task_links" (
	"workspace_id" uuid NOT NULL,
	"channel_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"task_id" uuid NOT NULL,
	"sent_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "message_task_links_channel_id_message_id_task_id_pk" PRIMARY KEY("channel_id","message_id","task_id")
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "tasks" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "reply_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "last_reply_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "attachments" ADD COLUMN "search" "tsvector" GENERATED ALWAYS AS (to_tsvector('simple', regexp_replace(file_name, '[^[:alnum:]]+', ' ', 'g'))) STORED;--> statement-breakpoint
ALTER TABLE "project_statuses" ADD COLUMN "transitions" text[];--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "board_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "message_task_links" ADD CONSTRAINT "message_task_links_channel_id_message_id_messages_channel_id_id_fk" FOREIGN KEY ("channel_id","message_id") REFERENCES "public"."messages"("channel_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_task_links" ADD CONSTRAINT "message_task_links_workspace_id_channel_id_channels_workspace_id_id_fk" FOREIGN KEY ("workspace_id","channel_id") REFERENCES "public"."channels"("workspace_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_task_links" ADD CONSTRAINT "message_task_links_workspace_id_task_id_tasks_workspace_id_id_fk" FOREIGN KEY ("workspace_id","task_id") REFERENCES "public"."tasks"("workspace_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "message_task_links_by_task" ON "message_task_links" USING btree ("task_id","sent_at","message_id");--> statement-breakpoint
CREATE INDEX "attachments_search" ON "attachments" USING gin ("search");--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_reply_count" CHECK ("messages"."reply_count" >= 0);--> statement-breakpoint
-- The threads that are there already.
UPDATE "messages" AS "root" SET "reply_count" = "thread"."replies", "last_reply_at" = "thread"."last_at"
FROM (
	SELECT "parent_id", count(*) AS "replies", max("created_at") AS "last_at" FROM "messages"
	WHERE "parent_id" IS NOT NULL AND "deleted_at" IS NULL GROUP BY "parent_id"
) AS "thread"
WHERE "root"."id" = "thread"."parent_id";
--> statement-breakpoint
ALTER TABLE "attachments" ALTER COLUMN "search" SET STATISTICS 0;
