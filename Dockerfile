# Builds with all dependencies, runs with those of production alone, as a user who is not root.
FROM node:22-slim AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/kickjs-core/package.json packages/kickjs-core/
COPY packages/kickjs-http/package.json packages/kickjs-http/
COPY packages/kickjs-ws/package.json packages/kickjs-ws/
COPY packages/kickjs-cron/package.json packages/kickjs-cron/

FROM manifests AS build
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM manifests AS dependencies
RUN npm ci --omit=dev --ignore-scripts

FROM node:22-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 VIBED_DATA_DIR=/data
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /app ./
COPY --from=build /app/packages/kickjs-core/dist packages/kickjs-core/dist
COPY --from=build /app/packages/kickjs-http/dist packages/kickjs-http/dist
COPY --from=build /app/packages/kickjs-ws/dist packages/kickjs-ws/dist
COPY --from=build /app/packages/kickjs-cron/dist packages/kickjs-cron/dist
COPY --from=build /app/dist dist
COPY drizzle drizzle
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node as process 1: the server itself handles SIGTERM, and starts no processes of its own.
CMD ["node", "dist/main.js"]
