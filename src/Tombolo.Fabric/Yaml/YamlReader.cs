// SPDX-License-Identifier: MIT
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Tombolo.Fabric.Yaml;

/// <summary>Builds the tree of a YAML text, with limits, so that any bytes end in a tree or in faults and never in an exception.</summary>
/// <remarks>
/// YamlDotNet's own tree is not used: it is built by recursion and without limits, so a file of brackets or a few nested aliases would end the process.
/// </remarks>
internal sealed class YamlReader
{
    private const int MostBytes = 1 << 20;
    private const int MostDepth = 32;      // the deepest valid fabric.yaml has 6 levels
    private const int MostNodes = 100_000;

    private readonly FaultList _faults;
    private readonly Dictionary<string, YamlNode> _anchors = new(StringComparer.Ordinal);
    private Parser _parser = null!;

    private YamlReader(FaultList faults) => _faults = faults;

    /// <summary>Reads a text.</summary>
    /// <returns>The tree, or null where there is none; then there is at least one fault.</returns>
    public static YamlNode? Read(ReadOnlySpan<byte> bytes, FaultList faults)
    {
        if (bytes.Length > MostBytes)
        {
            faults.Add(new(1, 1), $"The file has {bytes.Length} bytes; at most {MostBytes} are read.");
            return null;
        }
        return Decode(bytes, faults) is { } text ? new YamlReader(faults).ReadDocument(text) : null;
    }

    private static string? Decode(ReadOnlySpan<byte> bytes, FaultList faults)
    {
        if (bytes.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        try { return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes); }
        catch (DecoderFallbackException exception)
        {
            ReadOnlySpan<byte> before = bytes[..Math.Clamp(exception.Index, 0, bytes.Length)];
            faults.Add(new(before.Count((byte)'\n') + 1, before.Length - before.LastIndexOf((byte)'\n')), "Here is a byte that is not UTF-8; save the file in that encoding.");
            return null;
        }
    }

    private YamlNode? ReadDocument(string text)
    {
        try
        {
            _parser = new Parser(new StringReader(text));
            _ = _parser.Consume<StreamStart>();
            if (_parser.Accept<StreamEnd>(out _)) return Empty();
            _ = _parser.Consume<DocumentStart>();
            YamlNode? root = ReadNode(0);
            if (root is null) return null;
            _ = _parser.Consume<DocumentEnd>();
            if (_parser.Accept<DocumentStart>(out DocumentStart? second))
            {
                _faults.Add(At(second), "A second document begins here; a fabric is one document.");
                return null;
            }
            return root is YamlScalar { IsNull: true } ? Empty() : root;
        }
        catch (YamlException exception)
        {
            _faults.Add(At(exception.Start), $"This is not YAML: {Clean(exception)}");
            return null;
        }
        // The parser throws these on some malformed input where it should throw its own exception.
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            _faults.Add(_parser is null ? new(1, 1) : At(_parser.Current?.Start ?? Mark.Empty), "This is not YAML.");
            return null;
        }
    }

    private YamlNode? Empty()
    {
        _faults.Add(new(1, 1), "The file declares nothing; 'tombolo init' writes one to begin with.");
        return null;
    }

    private YamlNode? ReadNode(int depth)
    {
        ParsingEvent next = _parser.Consume<ParsingEvent>();
        if (depth > MostDepth) return Refuse(next, $"This is nested more than {MostDepth} levels deep.");
        YamlNode? node = next switch
        {
            AnchorAlias alias => _anchors.TryGetValue(alias.Value.Value, out YamlNode? known) ? known : Refuse(alias, $"The anchor &{alias.Value} is not defined above."),
            Scalar scalar => new YamlScalar(At(scalar), scalar.Value, scalar.Style == ScalarStyle.Plain && scalar.Tag.IsEmpty),
            SequenceStart start => ReadList(start, depth),
            MappingStart start => ReadMap(start, depth),
            _ => Refuse(next, "This is not YAML that a fabric can be declared in."),
        };
        if (node is { Weight: > MostNodes }) return Refuse(next, $"This is more than {MostNodes} values, aliases written out.");
        if (node is not null && next is NodeEvent { Anchor.IsEmpty: false } anchored) _anchors[anchored.Anchor.Value] = node;
        return node;
    }

    private YamlList? ReadList(SequenceStart start, int depth)
    {
        List<YamlNode> items = [];
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            if (ReadNode(depth + 1) is not { } item) return null;
            items.Add(item);
        }
        return new(At(start), items);
    }

    private YamlMap? ReadMap(MappingStart start, int depth)
    {
        List<(YamlScalar, YamlNode)> entries = [];
        Dictionary<string, Place> seen = new(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            if (ReadNode(depth + 1) is not { } first || ReadNode(depth + 1) is not { } value) return null;
            if (first is not YamlScalar key) _faults.Add(first.Place, $"A key must be a word, not {first.Kind}.");
            else if (!seen.TryAdd(key.Text, key.Place)) _faults.Add(key.Place, $"'{key.Text}' stands here a second time; the first is in line {seen[key.Text].Line}.");
            else entries.Add((key, value));
        }
        return new(At(start), entries);
    }

    private YamlNode? Refuse(ParsingEvent at, string sentence)
    {
        _faults.Add(At(at), sentence);
        return null;
    }

    private static Place At(ParsingEvent at) => At(at.Start);

    private static Place At(Mark mark) => new((int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));

    // The library puts positions into its message; ours stand in front of it.
    private static string Clean(YamlException exception)
    {
        string message = exception.InnerException is YamlException inner ? inner.Message : exception.Message;
        message = message.ReplaceLineEndings(" ").Trim().TrimEnd('.');
        return message.Length == 0 ? "it cannot be read." : $"{char.ToLowerInvariant(message[0])}{message[1..]}.";
    }
}
