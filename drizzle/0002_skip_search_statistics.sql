-- Most of what `analyze` costs, and nothing that we search for needs them.
alter table tasks alter column search set statistics 0;
--> statement-breakpoint
alter table comments alter column search set statistics 0;
--> statement-breakpoint
alter table messages alter column search set statistics 0;
