// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Grants;
using Tombolo.Store;

namespace Tombolo.Cli.Fabrics;

/// <summary>What <c>tombolo grant ls --json</c> prints.</summary>
internal sealed record GrantList(GrantRow[] Grants, PortRow[] Ports);

/// <summary>A grant in JSON.</summary>
internal sealed record GrantRow(int From, uint Reference, int Pages, int To, bool ReadOnly, int Mappings, bool Revoked, string Who);

/// <summary>A port in JSON.</summary>
internal sealed record PortRow(int Domain, uint Port, int Remote, uint? RemotePort, string Who);

/// <summary>A message in JSON: of an offer, once it was taken; of an accept.</summary>
internal sealed record GrantMessageTaken(int Domain, int Bytes, string? Text, string? Base64);

/// <summary>The options that say where grants are handed over, and as which domain.</summary>
internal sealed class GrantChoice
{
    private readonly Option<string?> _grants = new("--grants") { Description = "The grants' socket; by default the fabric's.", HelpName = "path" };
    private readonly Option<string?> _store = new("--store") { Description = "The store's socket. By default what XENSTORED_PATH or XENSTORED_RUNDIR say, or the store of the fabric.", HelpName = "path" };
    private readonly Option<int?> _domain = new("-d", "--domain") { Description = "Which domain to be; by default the one that the fabric says.", HelpName = "number" };
    private readonly Option<string> _keys = new("-k", "--keys") { Description = "The node above the keys of the offer.", HelpName = "path", DefaultValueFactory = _ => OfferKeys.DefaultPath };
    private readonly FabricChoice _fabric = new();

    /// <summary>Adds the options for the grants' service.</summary>
    public ExampleCommand OnGrants(ExampleCommand command)
    {
        command.Add(_grants);
        command.Add(_domain);
        command.Add(_fabric.Option);
        return command;
    }

    /// <summary>Adds the options for the keys too.</summary>
    public ExampleCommand OnOffer(ExampleCommand command)
    {
        command.Add(_store);
        command.Add(_keys);
        return OnGrants(command);
    }

    /// <summary>Adds the options for the keys alone.</summary>
    public ExampleCommand OnKeys(ExampleCommand command)
    {
        command.Add(_store);
        command.Add(_keys);
        command.Add(_fabric.Option);
        return command;
    }

    public OfferKeys KeysOf(ParseResult parsed)
    {
        string path = parsed.GetRequiredValue(_keys);
        StoreChoice.Check(path);
        return new(path);
    }

    public Task<StoreClient> StoreAsync(ParseResult parsed, CommandContext context, CancellationToken stop) =>
        StoreClient.ConnectAsync(StoreChoice.SocketOf(parsed.GetValue(_store), parsed, _fabric, context.Environment), stop);

    public GrantClientOptions ClientOf(ParseResult parsed)
    {
        int? domain = parsed.GetValue(_domain);
        if (domain is < 0 or > DomainId.Highest) throw new CommandException($"--domain is {domain}; it must be 0 to {DomainId.Highest}", ExitCode.WrongUse);
        return new() { SocketPath = SocketOf(parsed), Domain = domain is { } number ? new((ushort)number) : null };
    }

    private string SocketOf(ParseResult parsed)
    {
        if (parsed.GetValue(_grants) is { } socket) return socket;
        FabricPaths paths = _fabric.PathsOf(parsed);
        FabricDeclaration declaration = FabricState.RecordedDeclaration(paths) ?? throw new CommandException($"What fabric {paths.Name} declares cannot be read in {paths.Folder}");
        return declaration.Grants is { } grants ? paths.SocketOf(grants) : throw new CommandException($"Fabric {paths.Name} declares no grants; give --grants for another service");
    }
}
