"""Addresses of regeneration, below a project's: the order of another attempt, recipes, and what became of them."""

from django.urls import path

from .views import quality_regeneration, recipes, regeneration

urlpatterns = [
    path("prompts/<str:key>/regeneration/", regeneration.regeneration_order, name="regeneration_order"),
    path("quality/regeneration/", quality_regeneration.quality_regeneration, name="quality_regeneration"),
    path("settings/recipes/", recipes.recipe_list, name="recipe_list"),
    path("settings/recipes/general/", recipes.recipe_general, name="recipe_general"),
    path("settings/recipes/versions/", recipes.recipe_versions, name="recipe_versions"),
    path("settings/recipes/restore/", recipes.recipe_restore, name="recipe_restore"),
    path("settings/recipes/upload/", recipes.recipe_upload, name="recipe_upload"),
    path("settings/recipes/recipes.yaml", recipes.recipes_yaml, name="recipes_yaml"),
    path("settings/recipes/<str:source>/<str:code>/", recipes.recipe_edit, name="recipe_edit"),
]
