// SPDX-License-Identifier: MIT
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tombolo.Fabric;
using Tombolo.Linux;
using Tombolo.Switching;

namespace Tombolo.Daemon;

/// <summary>What the admin interface answers. Documents are JSON as in <see cref="FabricStatusJson"/>; streams are one document a line; a refusal is one sentence of plain text.</summary>
internal static class AdminEndpoints
{
    private const string Lines = "application/x-ndjson";

    /// <summary>Adds them.</summary>
    public static void Map(IEndpointRouteBuilder routes, FabricHost host, EventFeed<FabricEvent> feed, TraceFeeds traces, StopSignals signals)
    {
        _ = routes.MapGet("/status", (RequestDelegate)(async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(JsonSerializer.Serialize(await host.SnapshotAsync(), FabricStatusJson.Default.FabricStatus), context.RequestAborted);
        }));
        _ = routes.MapGet("/events", (RequestDelegate)(context => StreamAsync(context, feed.ListenAsync(context.RequestAborted), FabricStatusJson.Default.FabricEvent)));
        _ = routes.MapGet("/mailboxes/{name}/trace", (RequestDelegate)(context =>
        {
            string name = (string)context.Request.RouteValues["name"]!;
            return host.Declaration.Mailboxes.Any(mailbox => mailbox.Name == name)
                ? StreamAsync(context, traces.ListenAsync(name, context.RequestAborted), FabricStatusJson.Default.TracedMessage)
                : RefuseAsync(context, StatusCodes.Status404NotFound, $"Fabric {host.Declaration.Name} has no mailbox '{name}'.");
        }));
        _ = routes.MapPost("/stop", (RequestDelegate)(context =>
        {
            signals.Request("asked to by the admin interface");
            context.Response.StatusCode = StatusCodes.Status202Accepted;   // it is on its way; /events tells the rest
            return Task.CompletedTask;
        }));
        MapSwitch(routes, host);
        MapMachine(routes, "stop", host.StopMachineAsync);
        MapMachine(routes, "start", host.StartMachineAsync);
        MapMachine(routes, "restart", host.RestartMachineAsync);
    }

    private static void MapSwitch(IEndpointRouteBuilder routes, FabricHost host)
    {
        MapChange(routes, host, "/switches/{name}/ports", FabricStatusJson.Default.SwitchPortAddition, (_, body) => $"Port {body.Name} is added", (one, _, body) => one.AddAsync(body));
        MapChange(routes, host, "/switches/{name}/ports/{port}/set", FabricStatusJson.Default.SwitchPortChange, (port, _) => $"Port {port} has other settings", (one, port, body) => one.SetAsync(port, body));
        MapChange(routes, host, "/switches/{name}/ports/{port}/move", FabricStatusJson.Default.SwitchMove, (port, _) => $"Port {port} reaches others than before", (one, port, body) => one.MoveAsync(port, body));
        _ = routes.MapGet("/switches/{name}/ports/{port}/capture", (RequestDelegate)(context => CaptureAsync(context, host)));
        _ = routes.MapPost("/switches/{name}/ports/{port}/capture/end", (RequestDelegate)(async context =>
        {
            try
            {
                CaptureEnd end = await host.EndCaptureAsync(Word(context, "name"), Word(context, "port"));
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync(JsonSerializer.Serialize(end, FabricStatusJson.Default.CaptureEnd), context.RequestAborted);
            }
            catch (TomboloException exception) { await RefuseAsync(context, StatusCodes.Status409Conflict, exception.Message); }
        }));
        _ = routes.MapPost("/switches/{name}/ports/{port}/remove", (RequestDelegate)(context => ActAsync(context, () =>
        {
            (string name, string port) = (Word(context, "name"), Word(context, "port"));
            return host.ChangeSwitchAsync(name, $"Port {port} is removed from switch {name}.", one => one.RemoveAsync(port));
        })));
    }

    private static void MapChange<T>(IEndpointRouteBuilder routes, FabricHost host, string path, JsonTypeInfo<T> type, Func<string, T, string> say, Func<HostedSwitch, string, T, Task> act) =>
        routes.MapPost(path, (RequestDelegate)(context => ActAsync(context, async () =>
        {
            (string name, string port) = (Word(context, "name"), Word(context, "port"));
            T body;
            try { body = await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted) ?? throw new FabricException("The request has an empty body."); }
            catch (JsonException exception) { throw new FabricException($"The request's body is no such document: {exception.Message}"); }
            await host.ChangeSwitchAsync(name, $"{say(port, body)} (switch {name}).", one => act(one, port, body));
        })));

    // The capture's own thread writes into a pipe, which holds it up where the listener is slow; the data threads then drop and count.
    private static async Task CaptureAsync(HttpContext context, FabricHost host)
    {
        CaptureOptions options = new();
        if (int.TryParse(context.Request.Query["snap"], NumberStyles.None, CultureInfo.InvariantCulture, out int snap)) options = options with { SnapBytes = snap };
        var pipe = new System.IO.Pipelines.Pipe();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Task? copying = null;
        try
        {
            await host.CaptureAsync(Word(context, "name"), Word(context, "port"), pipe.Writer.AsStream(), options, async () =>
            {
                context.Response.ContentType = "application/x-pcapng";
                await context.Response.Body.FlushAsync(over.Token);
                copying = CopyAsync(pipe.Reader, context, over);
            }, over.Token);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }   // the listener went away
        catch (TomboloException exception) when (!context.Response.HasStarted) { await RefuseAsync(context, StatusCodes.Status409Conflict, exception.Message); }
        await pipe.Writer.CompleteAsync();
        if (copying is not null) await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task CopyAsync(PipeReader from, HttpContext context, CancellationTokenSource over)
    {
        try { await from.CopyToAsync(context.Response.BodyWriter, context.RequestAborted); }
        finally
        {
            await from.CompleteAsync();   // a writer that waits goes on
            await over.CancelAsync();
        }
    }

    private static string Word(HttpContext context, string key) => context.Request.RouteValues[key] as string ?? "";

    // Nothing to tell when it is done; a refusal is a sentence.
    private static async Task ActAsync(HttpContext context, Func<Task> act)
    {
        try
        {
            await act();
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (TomboloException exception) { await RefuseAsync(context, StatusCodes.Status409Conflict, exception.Message); }
    }

    private static void MapMachine(IEndpointRouteBuilder routes, string verb, Func<string, CancellationToken, Task> act) =>
        routes.MapPost($"/machines/{{name}}/{verb}", (RequestDelegate)(context => ActAsync(context, () => act(Word(context, "name"), context.RequestAborted))));

    private static Task RefuseAsync(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(sentence, context.RequestAborted);
    }

    private static async Task StreamAsync<T>(HttpContext context, IAsyncEnumerable<T> items, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = Lines;
        try
        {
            await using IAsyncEnumerator<T> each = items.GetAsyncEnumerator(context.RequestAborted);
            ValueTask<bool> next = each.MoveNextAsync();   // it listens from here on
            await context.Response.Body.FlushAsync(context.RequestAborted);   // and the other side knows
            for (; await next; next = each.MoveNextAsync())
            {
                await context.Response.WriteAsync(JsonSerializer.Serialize(each.Current, type) + "\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }   // the listener went away
    }
}
