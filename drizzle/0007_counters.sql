-- In the order in which every write takes them, so that nodes of the version before may go on meanwhile.
LOCK TABLE "projects" IN SHARE ROW EXCLUSIVE MODE;--> statement-breakpoint
LOCK TABLE "tasks" IN ACCESS EXCLUSIVE MODE;--> statement-breakpoint
LOCK TABLE "comments", "attachments" IN SHARE ROW EXCLUSIVE MODE;--> statement-breakpoint
CREATE TYPE "public"."due_span" AS ENUM('month', 'day');--> statement-breakpoint
CREATE TABLE "due_counts" (
	"project_id" uuid NOT NULL,
	"span" "due_span" NOT NULL,
	"starts_on" date NOT NULL,
	"status" text NOT NULL,
	"tasks" integer NOT NULL,
	CONSTRAINT "due_counts_project_id_span_starts_on_status_pk" PRIMARY KEY("project_id","span","starts_on","status")
);
--> statement-breakpoint
CREATE TABLE "project_counts" (
	"project_id" uuid PRIMARY KEY NOT NULL,
	"comments" integer DEFAULT 0 NOT NULL,
	"attachments" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "status_counts" (
	"project_id" uuid NOT NULL,
	"status" text NOT NULL,
	"tasks" integer NOT NULL,
	CONSTRAINT "status_counts_project_id_status_pk" PRIMARY KEY("project_id","status")
);
--> statement-breakpoint
ALTER TABLE "due_counts" ADD CONSTRAINT "due_counts_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_counts" ADD CONSTRAINT "project_counts_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "status_counts" ADD CONSTRAINT "status_counts_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
DROP INDEX "tasks_workspace_status";--> statement-breakpoint
CREATE INDEX "tasks_open_due" ON "tasks" USING btree ("project_id","due_date","status") WHERE "tasks"."deleted_at" is null and "tasks"."completed_at" is null and "tasks"."due_date" is not null;--> statement-breakpoint
-- By how much a transaction changes what a column holds, and a day; and what stands on a task.
CREATE TYPE task_step AS (project_id uuid, status text, due_on date, step integer);--> statement-breakpoint
CREATE TYPE step_on_task AS (task_id uuid, project_id uuid, step integer);--> statement-breakpoint
CREATE FUNCTION open_due_day(due_date timestamptz, completed_at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  select case when completed_at is null then (due_date at time zone 'UTC')::date end
$$;
--> statement-breakpoint
CREATE FUNCTION due_spans(due_on date) RETURNS TABLE (span due_span, starts_on date) LANGUAGE sql STABLE AS $$
  values ('month'::due_span, date_trunc('month', due_on)::date), ('day', due_on)
$$;
--> statement-breakpoint
-- Counters come last in the order of locks: those of columns, of days, of projects, and of each by their keys.
CREATE FUNCTION step_task_counts(steps task_step[]) RETURNS void LANGUAGE plpgsql AS $$
begin
  insert into status_counts as kept (project_id, status, tasks)
  select project_id, status, sum(step) from unnest(steps)
  group by project_id, status having sum(step) <> 0 order by project_id, status
  on conflict (project_id, status) do update set tasks = kept.tasks + excluded.tasks;
  insert into due_counts as kept (project_id, span, starts_on, status, tasks)
  select project_id, span, starts_on, status, sum(step) from unnest(steps), due_spans(due_on)
  where due_on is not null
  group by project_id, span, starts_on, status having sum(step) <> 0 order by project_id, span, starts_on, status
  on conflict (project_id, span, starts_on, status) do update set tasks = kept.tasks + excluded.tasks;
end
$$;
--> statement-breakpoint
CREATE FUNCTION lock_project_counts(project_ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
begin
  insert into project_counts (project_id) select id from projects where id = any (project_ids) order by id
  on conflict do nothing;
  perform from project_counts where project_id = any (project_ids) order by project_id for no key update;
end
$$;
--> statement-breakpoint
-- The transition tables are never joined: the plan is kept, and the best one for a single row would take for ever
-- with 100,000.
CREATE FUNCTION count_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
declare
  steps task_step[];
begin
  case tg_op
  when 'INSERT' then
    steps := array(
      select (project_id, status, due_on, count(*))::task_step
      from (select *, open_due_day(due_date, completed_at) as due_on from after where deleted_at is null) came
      group by project_id, status, due_on);
  when 'DELETE' then
    steps := array(
      select (project_id, status, due_on, -count(*))::task_step
      from (select *, open_due_day(due_date, completed_at) as due_on from before where deleted_at is null) gone
      group by project_id, status, due_on);
  else
    steps := array(
      select (project_id, status, due_on, sum(step))::task_step
      from (
        select project_id, status, open_due_day(due_date, completed_at) as due_on, -1 as step
        from before where deleted_at is null
        union all
        select project_id, status, open_due_day(due_date, completed_at), 1 from after where deleted_at is null
      ) changed
      group by project_id, status, due_on having sum(step) <> 0);
  end case;
  if cardinality(steps) > 0 then
    perform step_task_counts(steps);
  end if;
  return null;
end
$$;
--> statement-breakpoint
-- What stands on tasks comes and goes with them. Nothing can stand on one that was not there before.
CREATE FUNCTION count_with_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
declare
  steps step_on_task[] := array(
    select (id, project_id, sum(step))::step_on_task
    from (
      select id, project_id, -1 as step from before where deleted_at is null
      union all
      select id, project_id, 1 from after where deleted_at is null
    ) changed
    group by id, project_id having sum(step) <> 0);
begin
  if cardinality(steps) > 0 then
    perform lock_project_counts(array(select distinct project_id from unnest(steps)));
    update project_counts kept
    set comments = kept.comments + stepped.comments, attachments = kept.attachments + stepped.attachments
    from (
      select project_id,
        sum(step * (select count(*) from comments c where c.task_id = s.task_id and c.deleted_at is null)) as comments,
        sum(step * (select count(*) from attachments a where a.task_id = s.task_id and a.deleted_at is null)) as attachments
      from unnest(steps) s group by project_id
    ) stepped
    where kept.project_id = stepped.project_id;
  end if;
  return null;
end
$$;
--> statement-breakpoint
-- The rows of tasks are removed by hand alone, and by then what stood on them is gone too: nobody knows how much it was.
CREATE FUNCTION recount_without_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
declare
  project_ids uuid[] := array(select distinct project_id from before);
begin
  perform lock_project_counts(project_ids);
  update project_counts kept set
    comments = (
      select count(*) from comments c join tasks t on t.id = c.task_id
      where t.project_id = kept.project_id and t.deleted_at is null and c.deleted_at is null),
    attachments = (
      select count(*) from attachments a join tasks t on t.id = a.task_id
      where t.project_id = kept.project_id and t.deleted_at is null and a.deleted_at is null)
  where project_id = any (project_ids);
  return null;
end
$$;
--> statement-breakpoint
-- Of comments and of attachments.
CREATE FUNCTION count_on_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
declare
  steps step_on_task[];
begin
  case tg_op
  when 'INSERT' then
    steps := array(
      select (task_id, null, count(*))::step_on_task from after where deleted_at is null group by task_id);
  when 'DELETE' then
    steps := array(
      select (task_id, null, -count(*))::step_on_task from before where deleted_at is null group by task_id);
  else
    steps := array(
      select (task_id, null, sum(step))::step_on_task
      from (
        select task_id, -1 as step from before where deleted_at is null
        union all
        select task_id, 1 from after where deleted_at is null
      ) changed
      group by task_id having sum(step) <> 0);
  end case;
  if cardinality(steps) > 0 then
    -- Locked before it is looked whether the tasks stand: who deletes one at this moment counts what stands on it.
    perform lock_project_counts(array(
      select distinct t.project_id from unnest(steps) s join tasks t on t.id = s.task_id));
    update project_counts kept set
      comments = kept.comments + case tg_table_name when 'comments' then stepped.step else 0 end,
      attachments = kept.attachments + case tg_table_name when 'attachments' then stepped.step else 0 end
    from (
      select t.project_id, sum(s.step) as step from unnest(steps) s join tasks t on t.id = s.task_id
      where t.deleted_at is null group by t.project_id
    ) stepped
    where kept.project_id = stepped.project_id;
  end if;
  return null;
end
$$;
--> statement-breakpoint
CREATE TRIGGER count_inserted AFTER INSERT ON tasks REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION count_tasks();
--> statement-breakpoint
CREATE TRIGGER count_updated AFTER UPDATE ON tasks REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION count_tasks();
--> statement-breakpoint
CREATE TRIGGER count_deleted AFTER DELETE ON tasks REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION count_tasks();
--> statement-breakpoint
CREATE TRIGGER count_with_updated AFTER UPDATE ON tasks REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION count_with_tasks();
--> statement-breakpoint
CREATE TRIGGER recount_without_deleted AFTER DELETE ON tasks REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION recount_without_tasks();
--> statement-breakpoint
CREATE TRIGGER count_inserted AFTER INSERT ON comments REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION count_on_tasks();
--> statement-breakpoint
CREATE TRIGGER count_updated AFTER UPDATE ON comments REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION count_on_tasks();
--> statement-breakpoint
CREATE TRIGGER count_deleted AFTER DELETE ON comments REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION count_on_tasks();
--> statement-breakpoint
CREATE TRIGGER count_inserted AFTER INSERT ON attachments REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION count_on_tasks();
--> statement-breakpoint
CREATE TRIGGER count_updated AFTER UPDATE ON attachments REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION count_on_tasks();
--> statement-breakpoint
CREATE TRIGGER count_deleted AFTER DELETE ON attachments REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION count_on_tasks();
--> statement-breakpoint
-- What is there already.
INSERT INTO status_counts (project_id, status, tasks)
SELECT project_id, status, count(*) FROM tasks WHERE deleted_at IS NULL GROUP BY project_id, status;
--> statement-breakpoint
INSERT INTO due_counts (project_id, span, starts_on, status, tasks)
SELECT project_id, span, starts_on, status, count(*) FROM tasks, due_spans(open_due_day(due_date, completed_at))
WHERE deleted_at IS NULL AND completed_at IS NULL AND due_date IS NOT NULL
GROUP BY project_id, span, starts_on, status;
--> statement-breakpoint
INSERT INTO project_counts (project_id, comments, attachments)
SELECT id, coalesce(c.n, 0), coalesce(a.n, 0) FROM projects p
LEFT JOIN (
	SELECT t.project_id, count(*) AS n FROM comments c JOIN tasks t ON t.id = c.task_id
	WHERE t.deleted_at IS NULL AND c.deleted_at IS NULL GROUP BY t.project_id
) c ON c.project_id = p.id
LEFT JOIN (
	SELECT t.project_id, count(*) AS n FROM attachments a JOIN tasks t ON t.id = a.task_id
	WHERE t.deleted_at IS NULL AND a.deleted_at IS NULL GROUP BY t.project_id
) a ON a.project_id = p.id;
