// SPDX-License-Identifier: MIT
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Fabrics;

/// <summary>Talks to a fabric's daemon: HTTP on its admin socket.</summary>
internal sealed class DaemonClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _socketPath;

    /// <param name="socketPath">The admin socket in the fabric's state folder.</param>
    public DaemonClient(string socketPath)
    {
        _socketPath = socketPath;
        SocketsHttpHandler handler = new()
        {
            UseProxy = false,
            ConnectCallback = async (_, stop) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), stop);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        _http = new(handler) { BaseAddress = new("http://tombolod"), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Asks for a document.</summary>
    /// <exception cref="CommandException">The daemon does not answer, or refuses.</exception>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken stop) => SpeakAsync(async () =>
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri(path, UriKind.Relative), stop);
        await CheckAsync(response, stop);
        return await response.Content.ReadFromJsonAsync(type, stop) ?? throw new CommandException($"The daemon at {_socketPath} sent nothing for {path}");
    });

    /// <summary>Asks for something to be done; returns when it is.</summary>
    /// <exception cref="CommandException">The daemon does not answer, or refuses.</exception>
    public Task PostAsync(string path, CancellationToken stop) => SpeakAsync(async () =>
    {
        using HttpResponseMessage response = await _http.PostAsync(new Uri(path, UriKind.Relative), null, stop);
        await CheckAsync(response, stop);
        return true;
    });

    /// <summary>Asks for something to be done, and for what came of it.</summary>
    /// <exception cref="CommandException">The daemon does not answer, or refuses.</exception>
    public Task<T> PostAsync<T>(string path, JsonTypeInfo<T> answer, CancellationToken stop) => SpeakAsync(async () =>
    {
        using HttpResponseMessage response = await _http.PostAsync(new Uri(path, UriKind.Relative), null, stop);
        await CheckAsync(response, stop);
        return await response.Content.ReadFromJsonAsync(answer, stop) ?? throw new CommandException($"The daemon at {_socketPath} sent nothing for {path}");
    });

    /// <summary>Asks for something to be done that needs words; returns when it is.</summary>
    /// <exception cref="CommandException">The daemon does not answer, or refuses.</exception>
    public Task PostAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken stop) => SpeakAsync(async () =>
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync(new Uri(path, UriKind.Relative), body, type, stop);
        await CheckAsync(response, stop);
        return true;
    });

    /// <summary>Follows a stream of one JSON document a line, until the daemon ends it or is gone.</summary>
    /// <param name="path">What to follow.</param>
    /// <param name="type">What a line is.</param>
    /// <param name="heard">Done once the daemon listens to us: nothing that this causes is missed. Or null.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="CommandException">The daemon does not answer, or refuses.</exception>
    public async IAsyncEnumerable<T> FollowAsync<T>(string path, JsonTypeInfo<T> type, Func<Task>? heard, [EnumeratorCancellation] CancellationToken stop)
    {
        using HttpResponseMessage response = await SpeakAsync(async () =>
        {
            HttpResponseMessage answer = await _http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, stop);
            await CheckAsync(answer, stop);
            return answer;
        });
        if (heard is not null) await heard();
        using StreamReader lines = new(await response.Content.ReadAsStreamAsync(stop));
        while (await NextAsync(lines, stop) is { } line)
            if (line.Length > 0 && JsonSerializer.Deserialize(line, type) is { } item) yield return item;
    }

    /// <summary>Copies a stream of bytes until the daemon ends it or is gone, or nobody takes it any more.</summary>
    /// <param name="path">What to copy.</param>
    /// <param name="open">Opens where it goes, once the daemon has agreed.</param>
    /// <param name="begun">Called then.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="CommandException">The daemon does not answer, or refuses; or it cannot be written.</exception>
    public async Task CopyAsync(string path, Func<Stream> open, Action begun, CancellationToken stop)
    {
        using HttpResponseMessage response = await SpeakAsync(async () =>
        {
            HttpResponseMessage answer = await _http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, stop);
            await CheckAsync(answer, stop);
            return answer;
        });
        Stream to;
        try { to = open(); }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException) { throw new CommandException(exception.Message); }
        await using (to)
        {
            begun();
            await using Stream from = await response.Content.ReadAsStreamAsync(stop);
            byte[] bytes = new byte[1 << 16];
            try
            {
                for (int count; (count = await from.ReadAsync(bytes, stop)) > 0;)
                {
                    await to.WriteAsync(bytes.AsMemory(0, count), stop);
                    await to.FlushAsync(stop);
                }
            }
            catch (IOException) { }            // who reads our output has enough, or the daemon died: what is written is whole blocks but for the last
            catch (HttpRequestException) { }
        }
    }

    public void Dispose() => _http.Dispose();

    // A daemon that dies in the middle ends the stream; the caller looks at what it has.
    private static async Task<string?> NextAsync(StreamReader lines, CancellationToken stop)
    {
        try { return await lines.ReadLineAsync(stop); }
        catch (IOException) { return null; }
        catch (HttpRequestException) { return null; }
    }

    // A refusal is a problem document with one sentence in "detail", or plain text.
    private async Task CheckAsync(HttpResponseMessage response, CancellationToken stop)
    {
        if (response.IsSuccessStatusCode) return;
        string said = (await response.Content.ReadAsStringAsync(stop)).Trim();
        throw new CommandException(said.Length > 0 && response.StatusCode != HttpStatusCode.InternalServerError
            ? said : $"The daemon at {_socketPath} answered {(int)response.StatusCode}; its log says more");
    }

    private async Task<T> SpeakAsync<T>(Func<Task<T>> talk)
    {
        try { return await talk(); }
        catch (HttpRequestException exception) { throw new CommandException($"The daemon at {_socketPath} does not answer: {exception.InnerException?.Message ?? exception.Message}"); }
        catch (IOException exception) { throw new CommandException($"The daemon at {_socketPath} broke off: {exception.Message}"); }
        catch (JsonException exception) { throw new CommandException($"The daemon at {_socketPath} sent something that is no answer: {exception.Message}"); }
    }
}
