import type { Workspace } from './story.js'

/** A festival with a date that does not move: much is overdue. */
export const festival: Workspace = {
  name: 'Harbour Festival',
  owner: 'dana',
  members: [
    ['ada', 'member'],
    ['eve', 'admin'],
  ],
  labels: { permit: '#bf8700', music: '#a371f7', money: '#2da44e' },
  projects: [
    {
      key: 'FEST',
      name: 'Festival',
      description: 'Three days, two stages, one harbour.',
      tasks: [
        {
          title: 'Permit for the fireworks',
          status: 'in_progress',
          for: ['eve'],
          priority: 'critical',
          labels: ['permit'],
          due: -2,
        },
        {
          title: 'Insurance',
          status: 'todo',
          by: 'eve',
          for: ['dana'],
          priority: 'high',
          labels: ['permit', 'money'],
          due: -5,
        },
        {
          title: 'Headliner for Saturday',
          status: 'in_review',
          for: ['dana'],
          priority: 'high',
          labels: ['music'],
          due: 3,
        },
        { title: 'Posters', status: 'in_progress', for: ['dana', 'ada'], due: 7 },
        { title: 'Volunteers for the gates', status: 'todo', by: 'eve', for: ['ada'], due: 20 },
        { title: 'Ferry until midnight', status: 'backlog', by: 'eve', priority: 'low', labels: ['permit'] },
        { title: 'Rent two stages', status: 'done', for: ['eve'], labels: ['money'], due: -4 },
        { title: 'Date and place', status: 'done', for: ['dana'], due: -6 },
        { title: 'A third stage on a barge', status: 'cancelled', labels: ['money'] },
      ],
    },
  ],
  channels: [
    {
      name: 'general',
      description: 'Everything about the festival',
      type: 'public',
      members: ['ada', 'eve'],
      unread: { ada: 2 },
      messages: [
        {
          from: 'dana',
          text: 'Six weeks to go. The list of what is late is shorter than last year, but it is not short.',
        },
        {
          from: 'eve',
          text: 'The harbour office wants the plan for the fireworks once more, on paper this time.',
        },
        { from: 'dana', text: '@ada could you print it? You have the good printer.' },
        { from: 'ada', text: 'Done, it is on your desk.' },
        { from: 'eve', text: 'Handed in. Now we wait.' },
        { from: 'dana', text: '@ada you are the best.' },
      ],
    },
    {
      name: 'line-up',
      description: 'Who plays, before it is announced',
      type: 'private',
      members: ['eve'],
      messages: [
        { from: 'dana', text: 'They said yes to Saturday. The contract comes on Monday.' },
        { from: 'eve', text: 'I will keep it to myself until then.' },
      ],
    },
  ],
}

/** Two friends and a side project. */
export const sideProject: Workspace = {
  name: 'Ben and Chidi',
  owner: 'ben',
  members: [['chidi', 'owner']],
  labels: { idea: '#1f6feb' },
  projects: [
    {
      key: 'BIRD',
      name: 'Birdfeeder camera',
      description: 'It knows a sparrow from a squirrel.',
      tasks: [
        { title: 'Case that keeps the rain out', status: 'in_progress', for: ['ben'], due: 12, points: 3 },
        {
          title: 'Tell birds from squirrels',
          status: 'in_review',
          by: 'chidi',
          for: ['chidi'],
          priority: 'medium',
          points: 8,
        },
        { title: 'Send the best picture of the day', status: 'todo', by: 'chidi', labels: ['idea'] },
        { title: 'Scare the squirrel away', status: 'backlog', by: 'chidi', labels: ['idea'] },
        { title: 'Camera runs on a solar panel', status: 'done', for: ['ben'], due: -2, points: 5 },
      ],
    },
  ],
  channels: [
    {
      name: 'birds',
      description: 'Pictures and plans',
      type: 'public',
      members: ['chidi'],
      unread: { chidi: 1 },
      messages: [
        { from: 'ben', text: 'Eleven sparrows and one very wet squirrel today.' },
        { from: 'chidi', text: 'It called the squirrel a "large sparrow". Back to work.' },
        { from: 'ben', text: '@chidi the panel held through three days of rain.' },
      ],
    },
  ],
}
