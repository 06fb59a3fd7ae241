<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.28" styleCategories="Symbology|Labeling" labelsEnabled="1">
 <renderer-v2 type="singleSymbol" enableorderby="0" forceraster="0" symbollevels="0">
  <symbols>
   <symbol type="marker" name="0" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
     <Option type="Map">
      <Option type="QString" name="color" value="255,255,255,255" />
      <Option type="QString" name="name" value="circle" />
      <Option type="QString" name="outline_color" value="@ORIGIN@,255" />
      <Option type="QString" name="outline_style" value="solid" />
      <Option type="QString" name="outline_width" value="0.3" />
      <Option type="QString" name="size" value="2" />
      <Option type="QString" name="size_unit" value="MM" />
     </Option>
    </layer>
   </symbol>
  </symbols>
 </renderer-v2>
 <labeling type="simple">
  <settings calloutType="simple">
   <text-style fieldName="name" isExpression="0" fontSize="7" fontSizeUnit="Point" textColor="@INK@,255" fontFamily="Noto Sans">
    <text-buffer bufferDraw="1" bufferSize="0.8" bufferSizeUnits="MM" bufferColor="255,255,255,230" />
   </text-style>
   <placement placement="6" predefinedPositionOrder="R,TR,BR,L,TL,BL,T,B" offsetType="1" dist="0.6" distUnits="MM" priority="2" />
  </settings>
 </labeling>
 <layerGeometryType>0</layerGeometryType>
</qgis>
