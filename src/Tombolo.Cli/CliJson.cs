// SPDX-License-Identifier: MIT
using System.Text.Json.Serialization;
using Tombolo.Cli.Channels;
using Tombolo.Cli.Client;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Region;
using Tombolo.Fabric;
using Tombolo.Machines;
using Tombolo.Regions;

namespace Tombolo.Cli;

/// <summary>What the commands print with <c>--json</c>: names in camelCase, words for enumerations, nothing for what is not there.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(List<CheckResult>), TypeInfoPropertyName = "CheckResults")]
[JsonSerializable(typeof(List<Participant>), TypeInfoPropertyName = "Participants")]
[JsonSerializable(typeof(List<ChannelRow>), TypeInfoPropertyName = "ChannelRows")]
[JsonSerializable(typeof(ChannelFigures))]
[JsonSerializable(typeof(ChannelMessage))]
[JsonSerializable(typeof(Received))]
[JsonSerializable(typeof(PingOutcome))]
[JsonSerializable(typeof(Tombolo.Ivshmem.WindowProbe))]
[JsonSerializable(typeof(StoreEntry))]
[JsonSerializable(typeof(GrantList))]
[JsonSerializable(typeof(GrantMessageTaken))]
[JsonSerializable(typeof(List<FabricStatus>), TypeInfoPropertyName = "FabricStatuses")]
[JsonSerializable(typeof(List<RegionRow>), TypeInfoPropertyName = "RegionRows")]
[JsonSerializable(typeof(List<SwitchStatus>), TypeInfoPropertyName = "SwitchStatuses")]
[JsonSerializable(typeof(SwitchStatus))]
[JsonSerializable(typeof(SwitchPortStatus))]
[JsonSerializable(typeof(CaptureEnd))]
[JsonSerializable(typeof(RegionView))]
[JsonSerializable(typeof(RegionBytes))]
[JsonSerializable(typeof(RegionWord))]
[JsonSerializable(typeof(LayoutView))]
[JsonSerializable(typeof(IReadOnlyList<LayoutFault>), TypeInfoPropertyName = "LayoutFaults")]
internal sealed partial class CliJson : JsonSerializerContext;
