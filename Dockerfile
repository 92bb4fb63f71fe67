# One image for every process of the shop; docker-compose.yml says which command each one runs.

# Packages come as wheels, so that nothing is ever compiled.
FROM python:3.13-slim AS wheels
COPY requirements.txt .
RUN pip wheel --only-binary=:all: --no-cache-dir --wheel-dir /wheels --requirement requirements.txt

FROM python:3.13-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
RUN useradd --system --uid 10001 --no-create-home app
COPY requirements.txt .
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels --requirement requirements.txt

COPY manage.py .
COPY ml_models ml_models
COPY visualsearch visualsearch
COPY shop shop
# At run time nothing can be written here but the two volumes, which start as these folders.
RUN python -m compileall -q ml_models visualsearch shop \
    && DEBUG=false SECRET_KEY=of-the-build python manage.py collectstatic --noinput --verbosity 0 \
    && mkdir -p .data/media .data/visualsearch \
    && chown app:app .data/media .data/visualsearch
USER app
EXPOSE 8000
CMD ["gunicorn", "shop.wsgi", "--config", "shop/gunicorn.py"]
