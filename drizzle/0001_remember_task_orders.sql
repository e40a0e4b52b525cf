create function remember_task_order() returns trigger language plpgsql as $$
begin
  insert into task_orders (task_id, seq, rank, priority, due_date, updated_at, expires_at)
  values (old.id, new.seq, old.rank, old.priority, old.due_date, old.updated_at, now() + interval '1 day')
  -- A transaction that writes a task twice replaced the first values.
  on conflict do nothing;
  return null;
end
$$;
--> statement-breakpoint
create trigger remember_task_order after update on tasks for each row
  when ((old.rank, old.priority, old.due_date, old.updated_at)
    is distinct from (new.rank, new.priority, new.due_date, new.updated_at))
  execute function remember_task_order();
