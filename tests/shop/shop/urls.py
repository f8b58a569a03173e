"""The shop's paths; their patterns become the transactions of its events."""

from django.urls import path

from shop import views

urlpatterns = [
    path("", views.front),
    path("basket/<int:basket_id>/", views.basket),
    path("order/", views.order),
    path("import/", views.import_goods),
    path("refund/", views.refund),
    path("newsletter/", views.newsletter),
    path("pay/", views.pay),
    path("ship/", views.ship),
]
