# Hands webhooks to owostack as they came.
# config/routes.rb: post "webhooks/:provider", to: "webhooks#create"
class WebhooksController < ActionController::API
  def create
    headers = request.headers.env.select { |name, _| name.start_with?("HTTP_") }
                     .transform_keys { |name| name.delete_prefix("HTTP_").tr("_", "-") }
    # Signatures are over the bytes of the body: raw_post, in binary format.
    ActiveRecord::Base.connection.raw_connection.exec_params("SELECT owo_webhook($1, $2, $3)",
      [params[:provider], headers.to_json, { value: request.raw_post, format: 1 }])
    head :ok
  rescue PG::InvalidAuthorizationSpecification
    head :unauthorized
  end
end
