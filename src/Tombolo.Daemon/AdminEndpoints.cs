// SPDX-License-Identifier: MIT
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tombolo.Fabric;
using Tombolo.Linux;

namespace Tombolo.Daemon;

/// <summary>What the admin interface answers. Documents are JSON as in <see cref="FabricStatusJson"/>; streams are one document a line; a refusal is one sentence of plain text.</summary>
internal static class AdminEndpoints
{
    private const string Lines = "application/x-ndjson";

    /// <summary>Adds them.</summary>
    public static void Map(IEndpointRouteBuilder routes, FabricHost host, EventFeed<FabricEvent> feed, StopSignals signals)
    {
        _ = routes.MapGet("/status", (RequestDelegate)(async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(JsonSerializer.Serialize(await host.SnapshotAsync(), FabricStatusJson.Default.FabricStatus), context.RequestAborted);
        }));
        _ = routes.MapGet("/events", (RequestDelegate)(context => StreamAsync(context, feed)));
        _ = routes.MapPost("/stop", (RequestDelegate)(context =>
        {
            signals.Request("asked to by the admin interface");
            context.Response.StatusCode = StatusCodes.Status202Accepted;   // it is on its way; /events tells the rest
            return Task.CompletedTask;
        }));
        MapMachine(routes, "stop", host.StopMachineAsync);
        MapMachine(routes, "start", host.StartMachineAsync);
        MapMachine(routes, "restart", host.RestartMachineAsync);
    }

    private static void MapMachine(IEndpointRouteBuilder routes, string verb, Func<string, CancellationToken, Task> act) =>
        routes.MapPost($"/machines/{{name}}/{verb}", (RequestDelegate)(async context =>
        {
            try
            {
                await act((string)context.Request.RouteValues["name"]!, context.RequestAborted);
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
            catch (TomboloException exception)
            {
                context.Response.StatusCode = StatusCodes.Status409Conflict;
                context.Response.ContentType = "text/plain";
                await context.Response.WriteAsync(exception.Message, context.RequestAborted);
            }
        }));

    private static async Task StreamAsync(HttpContext context, EventFeed<FabricEvent> feed)
    {
        context.Response.ContentType = Lines;
        await context.Response.Body.FlushAsync(context.RequestAborted);   // the listener knows that it is heard
        try
        {
            await foreach (FabricEvent happened in feed.ListenAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync(JsonSerializer.Serialize(happened, FabricStatusJson.Default.FabricEvent) + "\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }   // the listener went away
    }
}
