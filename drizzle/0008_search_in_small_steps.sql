ALTER INDEX "attachments_search" SET (gin_pending_list_limit = 128);--> statement-breakpoint
ALTER INDEX "messages_search" SET (gin_pending_list_limit = 128);--> statement-breakpoint
ALTER INDEX "comments_search" SET (gin_pending_list_limit = 128);--> statement-breakpoint
ALTER INDEX "tasks_search" SET (gin_pending_list_limit = 128);
