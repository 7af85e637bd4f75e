// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Text;

namespace Tombolo.Grants.Conformance;

/// <summary>How the two sides of a check talk: lines of text, both ways, in order. Not by grants, which are what is checked.</summary>
public interface ICheckLink
{
    /// <summary>Sends a line; it must not wait for the other side.</summary>
    void Send(string line);

    /// <summary>Waits for the other side's next line.</summary>
    /// <exception cref="CheckException">None came in time.</exception>
    string Receive(TimeSpan limit);
}

/// <summary>A link over a stream, such as a pipe, a socket or a serial line.</summary>
public sealed class StreamLink(Stream input, Stream output) : ICheckLink, IDisposable
{
    private readonly StreamReader _reader = new(input, Encoding.ASCII);
    private readonly StreamWriter _writer = new(output, Encoding.ASCII) { NewLine = "\n", AutoFlush = true };

    public void Send(string line) => _writer.WriteLine(line);

    public string Receive(TimeSpan limit)
    {
        Task<string?> line = _reader.ReadLineAsync();
        if (!line.Wait(limit)) throw new CheckException($"The other side said nothing for {limit.TotalSeconds:0} s.");
        return line.Result ?? throw new CheckException("The other side is gone.");
    }

    public void Dispose()
    {
        _writer.Dispose();
        _reader.Dispose();
    }
}

/// <summary>Both ends of a link within one process.</summary>
public sealed class MemoryLink : ICheckLink
{
    private readonly BlockingCollection<string> _in, _out;

    private MemoryLink(BlockingCollection<string> input, BlockingCollection<string> output) => (_in, _out) = (input, output);

    public static (ICheckLink First, ICheckLink Second) Pair()
    {
        BlockingCollection<string> one = [], other = [];
        return (new MemoryLink(one, other), new MemoryLink(other, one));
    }

    public void Send(string line) => _out.Add(line);

    public string Receive(TimeSpan limit) => _in.TryTake(out string? line, limit) ? line : throw new CheckException($"The other side said nothing for {limit.TotalSeconds:0} s.");
}
