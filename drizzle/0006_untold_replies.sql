CREATE TABLE "untold_replies" (
	"channel_id" uuid NOT NULL,
	"position" bigint NOT NULL,
	CONSTRAINT "untold_replies_channel_id_position_pk" PRIMARY KEY("channel_id","position")
);
--> statement-breakpoint
DROP INDEX "notifications_unread";--> statement-breakpoint
DROP INDEX "attachments_by_workspace";--> statement-breakpoint
ALTER TABLE "attachments" drop column "search";--> statement-breakpoint
ALTER TABLE "attachments" ADD COLUMN "search" "tsvector" GENERATED ALWAYS AS (to_tsvector('simple', translate(file_name, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)))) STORED;--> statement-breakpoint
ALTER TABLE "channel_notification_settings" ADD COLUMN "told_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "untold_replies" ADD CONSTRAINT "untold_replies_channel_id_position_messages_channel_id_position_fk" FOREIGN KEY ("channel_id","position") REFERENCES "public"."messages"("channel_id","position") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "channel_notification_settings_all" ON "channel_notification_settings" USING btree ("channel_id") WHERE "channel_notification_settings"."level" = 'all';--> statement-breakpoint
CREATE INDEX "comments_by_parent" ON "comments" USING btree ("parent_id") WHERE "comments"."parent_id" is not null and "comments"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "notifications_unread" ON "notifications" USING btree ("user_id","seq") WHERE "notifications"."read_at" is null;--> statement-breakpoint
CREATE INDEX "attachments_by_workspace" ON "attachments" USING btree ("workspace_id","size") WHERE "attachments"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "attachments_search" ON "attachments" USING gin ("search");--> statement-breakpoint
ALTER TABLE "attachments" ALTER COLUMN "search" SET STATISTICS 0;--> statement-breakpoint
-- On each step of a task's sequence: two changes may leave the same values behind, and a renamed label changes none.
DROP TRIGGER remember_task_order ON tasks;--> statement-breakpoint
CREATE TRIGGER remember_task_order AFTER UPDATE ON tasks FOR EACH ROW
  WHEN (old.seq IS DISTINCT FROM new.seq)
  EXECUTE FUNCTION remember_task_order();
